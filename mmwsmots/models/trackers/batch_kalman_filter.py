# Copyright (c) mmwsmots authors. Licensed under Apache-2.0.
import numpy as np
from mmdet.models.task_modules.tracking import KalmanFilter


class BatchKalmanFilter(KalmanFilter):
    """mmdet's :class:`KalmanFilter` of N boxes at once.

    The model and its constants are the parent's, whose methods take one box at a
    time: at 200 objects they cost 100 ms a frame.
    """

    def initiate(self, measurement: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """States of boxes seen for the first time, at rest.

        Args:
            measurement (ndarray): Boxes as centre x, centre y, aspect ratio, height,
                (N, 4) float64.

        Returns:
            tuple[ndarray, ndarray]: Means (N, 8) and covariances (N, 8, 8).
        """
        mean = np.hstack([measurement, np.zeros_like(measurement)])
        height = measurement[:, 3]
        position = self._stds(2 * self._std_weight_position * height, 1e-2)
        velocity = self._stds(10 * self._std_weight_velocity * height, 1e-5)
        return mean, _diagonals(np.hstack([position, velocity]) ** 2)

    def predict(
        self, mean: np.ndarray, covariance: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """States one frame later.

        Args:
            mean (ndarray): (N, 8).
            covariance (ndarray): (N, 8, 8).

        Returns:
            tuple[ndarray, ndarray]: Means and covariances of the same shapes.
        """
        position = self._stds(self._std_weight_position * mean[:, 3], 1e-2)
        velocity = self._stds(self._std_weight_velocity * mean[:, 3], 1e-5)
        noise = _diagonals(np.hstack([position, velocity]) ** 2)
        motion = self._motion_mat
        with np.errstate(invalid='ignore'):  # boxes of inf match nothing later
            return mean @ motion.T, motion @ covariance @ motion.T + noise

    def project(
        self, mean: np.ndarray, covariance: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """What would be measured of the states.

        Args:
            mean (ndarray): (N, 8).
            covariance (ndarray): (N, 8, 8).

        Returns:
            tuple[ndarray, ndarray]: Means (N, 4) and covariances (N, 4, 4).
        """
        noise = self._stds(self._std_weight_position * mean[:, 3], 1e-1) ** 2
        return mean[:, :4], covariance[:, :4, :4] + _diagonals(noise)

    def update(
        self, mean: np.ndarray, covariance: np.ndarray, measurement: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """States corrected by measurements.

        Args:
            mean (ndarray): (N, 8).
            covariance (ndarray): (N, 8, 8).
            measurement (ndarray): As for :meth:`initiate`.

        Returns:
            tuple[ndarray, ndarray]: Means and covariances of the same shapes.
        """
        expected, expected_covariance = self.project(mean, covariance)
        # K = P H' S^-1 by solving S K' = H P, S and P being symmetric.
        gain = np.linalg.solve(expected_covariance, covariance[:, :4])
        gain = gain.transpose(0, 2, 1)
        innovation = (measurement - expected)[..., None]
        mean = mean + (gain @ innovation)[..., 0]
        return mean, covariance - gain @ expected_covariance @ gain.transpose(0, 2, 1)

    @staticmethod
    def _stds(of_height: np.ndarray, of_aspect: float) -> np.ndarray:
        """Standard deviations of x, y, aspect ratio and height, (N, 4)."""
        stds = np.repeat(of_height[:, None], 4, axis=1)
        stds[:, 2] = of_aspect
        return stds


def _diagonals(values: np.ndarray) -> np.ndarray:
    """Diagonal matrices (N, D, D) of rows (N, D)."""
    return values[..., None] * np.eye(values.shape[1])
